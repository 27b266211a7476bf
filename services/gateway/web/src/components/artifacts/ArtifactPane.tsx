import { lazy, Suspense } from "react";
import { useUI } from "../../store/ui";

const OpenPane = lazy(() => import("./OpenPane"));

/** The artifacts of the conversation in view; nothing while the pane is closed. */
export function ArtifactPane() {
  const id = useUI((ui) => ui.artifact);
  if (id === null) return null;
  return (
    <Suspense>
      <OpenPane id={id} />
    </Suspense>
  );
}
