// SPDX-License-Identifier: Apache-2.0
/** A dialog's one request at a time: whether it is on its way, and why the last one failed. */
import { useState } from "react";
import type { ApiError } from "./api";

/** @param inWords what to show for a fault; default: the server's own words */
export function useSending(inWords: (fault: ApiError) => string = (fault) => fault.message) {
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (work: () => Promise<void>) => {
    setBusy(true);
    setError("");
    try {
      await work();
    } catch (cause) {
      setError(inWords(cause as ApiError));
    }
    setBusy(false);
  };
  return { error, busy, send };
}
