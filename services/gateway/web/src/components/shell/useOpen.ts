import { useEffect, useState } from "react";
import { Connection } from "../../client/connection";
import { Conversation } from "../../store/conversation";

const connection = new Connection(); // one for the page, whatever it shows

/** The conversation with this id, connected as long as it is asked for; null for none, and for the moment until it is made. */
export function useOpen(id: string): Conversation | null {
  const [open, setOpen] = useState<Conversation | null>(null);

  useEffect(() => {
    if (!id) return;
    const made = new Conversation(id, connection);
    setOpen(made);
    return () => {
      setOpen(null);
      made.close();
    };
  }, [id]);

  return open?.id === id ? open : null;
}
