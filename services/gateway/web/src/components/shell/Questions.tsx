import { ApiError } from "../../client/errors";
import { go, parseRoute } from "../../store/route";
import { useConversations } from "../sidebar/conversations";
import { useAsked } from "./asked";
import { Button } from "./Button";
import { Dialog, DialogButtons } from "./Dialog";
import { KeyboardHelp } from "./KeyboardHelp";
import { attempt } from "./notices";

/** What stands above the page and waits for a person. */
export function Questions() {
  const { question, close } = useAsked();
  if (question?.kind === "help") return <KeyboardHelp onClose={close} />;
  if (question?.kind === "delete") return <DeleteQuestion id={question.id} title={question.title} onClose={close} />;
  return null;
}

/** Throws what a refusal means on this page, where a run is stopped with a button. */
function saidForPage(error: unknown): never {
  if (error instanceof ApiError && error.code === "conversation_busy") {
    throw new Error("An agent is at work in it: press Stop there first, and delete it when that has ended.");
  }
  throw error;
}

function DeleteQuestion({ id, title, onClose }: { id: string; title: string; onClose(): void }) {
  const remove = useConversations((state) => state.remove);

  const confirmed = async () => {
    onClose();
    const done = await attempt("Not deleted", () => remove(id).catch(saidForPage));
    if (done && parseRoute(location.hash).conversation === id) go({ conversation: "", at: "" }, "replace");
  };

  return (
    <Dialog title={`Delete “${title}”?`} onClose={onClose}>
      <p>Its messages, events and artifacts go for everybody, and for good.</p>
      <DialogButtons>
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" onClick={() => void confirmed()}>
          Delete
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
