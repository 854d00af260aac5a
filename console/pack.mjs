// SPDX-License-Identifier: Apache-2.0
// Packs the built console into the one file that the binary carries (src/api/console_files.h tells its form):
//   node pack.mjs DIST PACK
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const files = (dir, below = "") =>
  readdirSync(join(dir, below), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(dir, `${below}/${entry.name}`) : [`${below}/${entry.name}`]);

const [dist, pack] = process.argv.slice(2);
const entries = [];
const bodies = [];
for (const path of files(dist).sort()) {
  const type = types[extname(path)];
  if (!type) throw new Error(`${path}: no Content-Type is known for it; add it to pack.mjs`);
  const content = readFileSync(join(dist, path));
  const body = gzipSync(content, { level: 9 });
  const etag = createHash("sha256").update(content).digest("hex").slice(0, 32);
  entries.push(`${path}\t${type}\t${etag}\t${body.length}\n`);
  bodies.push(body);
}
writeFileSync(pack, Buffer.concat([Buffer.from(`gpuscale-console 1\n${entries.join("")}\n`), ...bodies]));
