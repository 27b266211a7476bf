import type { ErrorBody } from "../schema/types";

/** The code of the error that asks a person to sign in. */
export const UNAUTHENTICATED = "unauthenticated";

/** The codes that refuse whoever looks, whatever is asked: to try again by itself changes nothing. */
export const BARRED: ReadonlySet<string> = new Set([UNAUTHENTICATED, "forbidden_tenant"]);

/** What a gateway refused, or what could not reach one. `code` is stable (docs/errors.md), the message is for a person. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  readonly retryable: boolean; // the same request may succeed later

  constructor({ code, message, retryable = false }: ErrorBody) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}
