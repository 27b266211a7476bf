/** What is open on the page beside the conversation: nothing of it is in the log, and nothing of it is shared with other viewers. */
import { create } from "zustand";

interface UI {
  /** The artifact in the side pane: its id, `""` for the list of all of them, null while the pane is closed. */
  artifact: string | null;
  openArtifact(id: string): void;
  closeArtifact(): void;
}

export const useUI = create<UI>()((set) => ({
  artifact: null,
  openArtifact: (id) => set({ artifact: id }),
  closeArtifact: () => set({ artifact: null }),
}));
