const asked = new WeakMap();
export default function ({ data, setStateValue, parentElement }) {
  const ask = data.ask;
  if (!ask || asked.get(parentElement) === ask) return;
  asked.set(parentElement, ask);
  const report = (status) => setStateValue("answer", { ask, status });
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
    report("unsupported");
    return;
  }
  navigator.mediaDevices.getUserMedia({ video: true }).then(
    (stream) => {
      stream.getTracks().forEach((track) => track.stop());
      report("granted");
    },
    (error) => report(error.name),
  );
}
