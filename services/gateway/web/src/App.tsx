export function App() {
  return <main>Anabranch</main>;
}
