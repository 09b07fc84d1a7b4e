export default function ({ parentElement }) {
  const button = parentElement.querySelector("button")
  const page = document.body.classList
  const again = () => page.remove("mien-print")
  window.addEventListener("afterprint", again)
  button.onclick = () => {
    page.add("mien-print")
    setTimeout(() => window.print(), 800)  // until the charts have followed
  }
  return () => {
    button.onclick = null
    window.removeEventListener("afterprint", again)
  }
}
