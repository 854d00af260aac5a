// SPDX-License-Identifier: Apache-2.0
// A real server with real nodes on the virtual device, for the tests of the console.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const password = "correct horse battery";
export const secretOut = "out-secret-0123456789abcdef";
const config = (ear) => `
cluster: e2e <b>bold</b>
pools:
  - {name: gpu, provider: {type: local, service_time: 20ms, interval: 500ms}, min: 2, max: 4, cooldown: {scale_out: 1s, scale_in: 1s}}
triggers:
  - {name: gpu-out, pool: gpu, type: scale_out, step: 1, secret: ${secretOut}}
  - {name: gpu-in, pool: gpu, type: scale_in, step: 1, secret: in-secret-0123456789abcdef}
  - {name: gpu-spare, pool: gpu, type: scale_in, step: 1}
channels:
  - {name: out, type: trigger, trigger: gpu-out}
  - {name: "no <i>ear</i>", type: webhook, url: "${ear}/hook?key=hidden"}
policies:
  - {name: calm, pool: gpu, type: lookout}
  - {name: idea, pool: gpu, type: target_tracking, target: 60, shadow: true}
schedules:
  - {name: morning peak, cron: "30 8 * * *", timezone: Asia/Shanghai, pool: gpu, set: {floor: 2}, for: 4h}
  - {name: every hour, cron: "0 * * * *", pool: gpu, set: {floor: 2}, for: 1m}
rules:
  - name: GPU usage high
    every: 1s
    queries: {C: SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time(1s) fill(none)}
    condition: avg(C, 10s) > 45
    notify: [out]
  - name: spread of load
    every: 1s
    pool: gpu
    queries: {C: SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time(1s) fill(none)}
    condition: avg(C, 10s) / ready_nodes outside (-1, 400) or last(C, 10s) is absent
  - name: somebody is there
    every: 1s
    queries: {C: SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time(1s) fill(none)}
    condition: avg(C, 10s) >= 0
    notify: ["no <i>ear</i>"]
`;

/** Where webhooks go: it keeps what came and answers `status`. */
class Receiver {
  status = 400;
  bodies = [];
  static async open() {
    const receiver = new Receiver();
    receiver.server = createHttpServer((request, response) => {
      let body = "";
      request.on("data", (piece) => (body += piece));
      request.on("end", () => {
        receiver.bodies.push(body);
        response.writeHead(receiver.status, { "Content-Type": "text/plain" }).end(receiver.status === 200 ? "thank you" : "not of this <house>");
      });
    });
    await new Promise((done) => receiver.server.listen(0, "127.0.0.1", done));
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}`;
    return receiver;
  }
}

/** Where pictures go: git ignores it, and whoever runs the tests may collect it. */
export const pictures = process.env.GPUSCALE_SHOTS || fileURLToPath(new URL("../../build/pictures", import.meta.url));
export const binary = () => resolve(process.env.GPUSCALE_BINARY ?? "../build/release/gpuscale");
const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function signIn(page, url) {
  await page.goto(url);
  await page.getByLabel("Admin password").last().fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation").first().waitFor();
}

export class Server {
  /** @param write makes the config of the receiver's address; "" = the config of an empty install */
  static async start(write = config) {
    const server = new Server();
    server.root = mkdtempSync(join(tmpdir(), "gpuscale-console-"));
    server.port = Number(process.env.GPUSCALE_TEST_PORT ?? 0) || (await freePort());
    server.url = `http://127.0.0.1:${server.port}`;
    server.receiver = await Receiver.open();
    writeFileSync(join(server.root, "config.yaml"), write(server.receiver.url));
    await server.launch();
    return server;
  }

  async launch() {
    const data = join(this.root, "data");
    this.process = spawn(binary(), ["serve", "--config", join(this.root, "config.yaml"), "--data", data, "--listen", `127.0.0.1:${this.port}`],
      { cwd: this.root, env: { ...process.env, GPUSCALE_ADMIN_PASSWORD: password }, stdio: "ignore" });
    for (let tries = 0; tries < 150; tries += 1) {
      if (await fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false)) return;
      if (this.process.exitCode !== null) throw new Error(`the server ended with ${this.process.exitCode}`);
      await sleep(200);
    }
    throw new Error("the server was not ready in 30 s");
  }

  call(method, path, body) {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`;
    return fetch(this.url + path, { method, headers: { authorization }, body });
  }

  async json(path) {
    return (await this.call("GET", path)).json();
  }

  async stop() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await ended;
  }

  /** Ends the server and the nodes that belong to its folder, and removes the folder. */
  async close() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill("SIGKILL");
      await sleep(200);
    }
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        if (readFileSync(`/proc/${pid}/environ`, "latin1").includes("GPUSCALE_NODE_MARK=") && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(`:${this.port}`)) process.kill(Number(pid), "SIGKILL");
      } catch {
        // It has ended by itself, or is somebody else's.
      }
    }
    rmSync(this.root, { recursive: true, force: true });
    this.receiver.server.close();
    this.receiver.server.closeAllConnections();
  }
}
