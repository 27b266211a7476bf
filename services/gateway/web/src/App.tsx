import { Broken } from "./components/shell/Broken";
import { Shell } from "./components/shell/Shell";

export function App() {
  return (
    <Broken>
      <Shell />
    </Broken>
  );
}
