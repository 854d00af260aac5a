// SPDX-License-Identifier: Apache-2.0
/** Gives the reader a file. */

/** A title as a file's name. */
export const fileName = (title: string, extension: string) => `${title.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 80) || "gpuscale"}.${extension}`;

export function saveFile(name: string, content: Blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
