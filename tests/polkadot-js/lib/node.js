// Starts a development node on free ports and stops it again.

import { spawn } from 'node:child_process';
import { mkdtempSync, createWriteStream, existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** The binary under test: $SABHA_NODE, or where `scripts/build` puts it. */
export function nodeBinary() {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const target = process.env.CARGO_TARGET_DIR ?? join(process.env.SABHA_CACHE ?? join(cache, 'sabha'), 'target');
  const binary = process.env.SABHA_NODE ?? join(target, 'debug', 'sabha-node');
  if (!existsSync(binary)) throw new Error(`${binary} is not there: run ./scripts/build first`);
  return binary;
}

/** A TCP port nobody listens on right now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Runs `sabha-node --dev`. The answer has `url`, `log` (a file), `startedAt` (ms), and `stop()`, which sends SIGTERM,
 * waits at most 20 s and removes what the node wrote.
 */
export async function startDevNode() {
  const folder = mkdtempSync(join(tmpdir(), 'sabha-outside-'));
  const log = join(folder, 'node.log');
  const rpcPort = await freePort();
  const p2pPort = await freePort();
  const startedAt = Date.now();
  const child = spawn(
    nodeBinary(),
    [
      '--dev', '--base-path', join(folder, 'db'), '--rpc-port', String(rpcPort), '--port', String(p2pPort),
      '--no-prometheus', '--no-telemetry',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const file = createWriteStream(log);
  child.stdout.pipe(file);
  child.stderr.pipe(file);
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(String(error)));
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  // The last resort when the runner itself dies.
  const lastResort = () => child.kill('SIGKILL');
  process.once('exit', lastResort);

  return {
    url: `ws://127.0.0.1:${rpcPort}`,
    log,
    startedAt,
    ended,
    async stop() {
      child.kill('SIGTERM');
      const killer = setTimeout(lastResort, 20_000);
      const how = await ended;
      clearTimeout(killer);
      process.removeListener('exit', lastResort);
      if (process.env.SABHA_KEEP_LOGS) console.log(`the node's log: ${log}`);
      else rmSync(folder, { recursive: true, force: true });
      return how;
    },
  };
}
