import { lazy, Suspense, useEffect } from "react";
import { useHead } from "../../store/hooks";
import { useUI } from "../../store/ui";

const OpenPane = lazy(() => import("./OpenPane"));

/** The artifacts of the conversation in view; nothing while the pane is closed, which it is when another conversation comes. */
export function ArtifactPane() {
  const id = useUI((ui) => ui.artifact);
  const close = useUI((ui) => ui.closeArtifact);
  const { conversation } = useHead();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the ids of artifacts are those of one conversation
  useEffect(() => close, [conversation, close]);
  if (id === null) return null;
  return (
    <Suspense>
      <OpenPane id={id} />
    </Suspense>
  );
}
