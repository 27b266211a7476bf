import { Shell } from "./components/shell/Shell";

export function App() {
  return <Shell />;
}
