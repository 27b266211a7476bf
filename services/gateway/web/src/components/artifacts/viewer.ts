import type { ReactNode } from "react";

/** What a viewer of text gets. `growing`: more will follow. `source` is shown where the text is not what it should be. */
export interface ViewerProps {
  text: string;
  growing: boolean;
  name: string;
  mediaType: string;
  source: ReactNode;
}
