// One person's camera: shows it, sends it to the server, draws the boxes that come back.
//
// The picture on the screen is the camera's own, so it stays smooth however slow the analysis is.
// Only the server's word (`data.attempt` above 0) turns the camera on; nothing is recorded.

const GATHERING_MS = 1500; // candidates that take longer come too late for anybody's patience
const PICTURE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 30 } };

const gathered = (connection) =>
  new Promise((resolve) => {
    const look = () => connection.iceGatheringState === "complete" && resolve();
    connection.addEventListener("icegatheringstatechange", look);
    setTimeout(resolve, GATHERING_MS);
    look();
  });

class Camera {
  constructor(root) {
    this.root = root.querySelector(".camera");
    this.video = root.querySelector("video");
    this.boxes = root.querySelector(".boxes");
    this.choice = root.querySelector("select");
    this.choice.onchange = () => this.choose(this.choice.value);
    this.attempt = 0;
  }

  update(data, send) {
    this.send = send;
    this.servers = data.ice_servers;
    this.root.classList.toggle("mirrored", data.mirror);
    this.root.classList.toggle("off", data.attempt === 0);
    if (data.attempt !== this.attempt) {
      this.close();
      this.attempt = data.attempt;
      if (this.attempt > 0) this.start(this.attempt);
    }
    if (data.answer && this.connection && this.connection.signalingState === "have-local-offer") {
      this.connection.setRemoteDescription({ type: "answer", sdp: data.answer });
    }
  }

  tell(attempt, status, more = {}) {
    if (attempt !== this.attempt) return;
    const steps_ms = { ...this.steps };
    this.send("told", { attempt, status, steps_ms, ...more });
  }

  step(name) {
    this.steps[name] ??= Math.round(performance.now() - this.startedAt);
  }

  async start(attempt) {
    this.startedAt = performance.now();
    this.steps = {};
    if (!navigator.mediaDevices?.getUserMedia) return this.tell(attempt, "unsupported");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: PICTURE, audio: false });
    } catch (error) {
      return this.tell(attempt, error.name);
    }
    if (attempt !== this.attempt) return stream.getTracks().forEach((track) => track.stop());
    this.step("permission");
    this.show(stream);
    await this.connect(attempt, stream);
    this.list();
  }

  show(stream) {
    this.stream = stream;
    this.video.srcObject = stream;
    this.video.onloadeddata = () => this.step("picture");
    this.video.play().catch(() => {});
    const attempt = this.attempt;
    stream.getVideoTracks()[0].onended = () => this.tell(attempt, "lost");
  }

  async connect(attempt, stream) {
    const connection = new RTCPeerConnection({ iceServers: this.servers });
    this.connection = connection;
    const labels = connection.createDataChannel("labels", { ordered: false, maxRetransmits: 0 });
    labels.onmessage = (event) => this.draw(attempt, JSON.parse(event.data).faces);
    this.sender = connection.addTrack(stream.getVideoTracks()[0], stream);
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "connected") this.step("connected");
      if (connection.connectionState === "failed") this.tell(attempt, "lost");
    };
    await connection.setLocalDescription(await connection.createOffer());
    await gathered(connection);
    this.step("offered");
    this.tell(attempt, "offer", { sdp: connection.localDescription.sdp });
  }

  draw(attempt, faces) {
    if (attempt !== this.attempt) return;
    const mirrored = this.root.classList.contains("mirrored");
    while (this.boxes.childElementCount > faces.length) this.boxes.lastElementChild.remove();
    while (this.boxes.childElementCount < faces.length) {
      this.boxes.append(document.createElement("div"));
      this.boxes.lastElementChild.append(document.createElement("span"));
    }
    faces.forEach(({ box: [left, top, right, bottom], text, colour, ink }, i) => {
      const { style, firstElementChild: label } = this.boxes.children[i];
      style.left = `${100 * (mirrored ? 1 - right : left)}%`;
      style.width = `${100 * (right - left)}%`;
      style.top = `${100 * top}%`;
      style.height = `${100 * (bottom - top)}%`;
      style.setProperty("--colour", colour);
      style.setProperty("--ink", ink);
      label.textContent = text;
      label.classList.toggle("inside", top < 0.07);
    });
    if (faces.length && !("label" in this.steps)) {
      this.step("label");
      this.tell(attempt, "label");
    }
  }

  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const cameras = devices.filter(({ kind }) => kind === "videoinput");
    this.choice.hidden = cameras.length < 2;
    this.choice.replaceChildren(
      ...cameras.map(({ deviceId, label }, i) => new Option(label || `Camera ${i + 1}`, deviceId)),
    );
    const used = this.stream?.getVideoTracks()[0]?.getSettings().deviceId;
    if (used) this.choice.value = used;
  }

  async choose(deviceId) {
    const before = this.stream;
    before.getTracks().forEach((track) => track.stop());
    const video = { ...PICTURE, deviceId: { exact: deviceId } };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      await this.sender.replaceTrack(stream.getVideoTracks()[0]);
      this.show(stream);
    } catch {
      this.tell(this.attempt, "lost");
    }
  }

  close() {
    this.attempt = 0;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.connection?.close();
    this.stream = this.connection = this.sender = undefined;
    this.video.srcObject = null;
    this.choice.hidden = true;
    this.boxes.replaceChildren();
  }
}

const cameras = new WeakMap();

export default function ({ data, setTriggerValue, parentElement }) {
  let camera = cameras.get(parentElement);
  if (!camera) {
    camera = new Camera(parentElement);
    cameras.set(parentElement, camera);
  }
  camera.update(data, setTriggerValue);
  return () => {
    camera.close();
    cameras.delete(parentElement);
  };
}
