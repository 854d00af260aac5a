// SPDX-License-Identifier: Apache-2.0
/** Calls to the server this page came from. Every failure is an ApiError with the server's own words. */

export class ApiError extends Error {
  constructor(readonly status: number, message: string, readonly code = "") {
    super(message);
  }
  /** The server did not answer at all. */
  get away(): boolean {
    return this.status === 0;
  }
  /** Nor did it where a proxy before it says so: nobody knows what it would have said. */
  get unanswered(): boolean {
    return this.away || this.status === 502 || this.status === 504;
  }
}

const onSignedOut = new Set<() => void>();
/** Told when a call was refused because nobody is signed in any more. @return how to stop listening */
export function whenSignedOut(listener: () => void): () => void {
  onSignedOut.add(listener);
  return () => onSignedOut.delete(listener);
}

export const tellSignedOut = () => onSignedOut.forEach((listener) => listener());

export const consoleHeaders = { "X-Gpuscale-Console": "1" };

async function fault(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => "");
  try {
    const body = JSON.parse(text) as { error?: string; code?: string };
    return new ApiError(response.status, body.error ?? text, body.code);
  } catch {
    return new ApiError(response.status, text || `HTTP ${response.status}`);
  }
}

export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal,
      credentials: "same-origin",
      headers: { ...consoleHeaders, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "the server does not answer");
  }
  if (response.status === 401 && path !== "/api/v1/session") tellSignedOut();
  if (!response.ok) throw await fault(response);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, undefined, signal);
export const part = encodeURIComponent;
