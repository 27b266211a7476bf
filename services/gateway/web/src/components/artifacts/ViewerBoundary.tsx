import { Component, type ReactNode } from "react";
import styles from "./viewers.module.css";

interface Props {
  children: ReactNode;
  /** What is shown under the message instead: the source. */
  instead: ReactNode;
}

/** Keeps what a viewer throws from the rest of the page, and shows the source in its place. */
export class ViewerBoundary extends Component<Props, { message: string | null }> {
  override state = { message: null };

  static getDerivedStateFromError(error: unknown): { message: string } {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    if (this.state.message === null) return this.props.children;
    return (
      <>
        <p role="alert" className={styles.problem}>
          This view failed: {this.state.message}
        </p>
        {this.props.instead}
      </>
    );
  }
}
