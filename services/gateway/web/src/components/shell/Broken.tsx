import { Component, type ReactNode } from "react";
import { Button } from "./Button";
import styles from "./Missing.module.css";

/** Stands around the page, and in its place where a part of it cannot be drawn: an error of ours never leaves a white window. */
export class Broken extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <main className={styles.missing}>
        <h1>This page has come to grief</h1>
        <p>Nothing is lost: what was said and done is in the log. {this.state.error.message}</p>
        <Button look="solid" onClick={() => location.reload()}>
          Load it again
        </Button>
      </main>
    );
  }
}
