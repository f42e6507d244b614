import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { clean, cleanAll } from '../../base/text.ts';
import type { Link } from '../../link/link.ts';
import type { LogMessage } from '../../operations/request.ts';
import type { Settings } from '../../settings/config.ts';
import { programPath } from '../../settings/program.ts';
import { listRow } from '../../view/job.ts';
import { newRow, placeFrom } from '../model/live.ts';
import { Access } from './access.ts';
import { pageOf } from './respond.ts';
import { Screens } from './screens.ts';
import { WebServer } from './server.ts';
import { Streams } from './streams.ts';

interface ServeOptions {
  link: Link;
  settings: Settings;
  /** 0 for any free one. */
  port: number;
  /** Called with an address that lets in one browser: at the start, and whenever one has been used. */
  onAddress(address: string, port: number): void;
  /** Ends it. */
  signal: AbortSignal;
}

/** Next to main.js; made by scripts/build.mjs from src/boards/page/. */
const PAGE = 'web.html';

/**
 * Serves the board to browsers of this machine until `signal`. It outlives its hub: the link finds or starts another one.
 * @throws MamError if no hub can be started, or the port can't be used
 */
export async function serve({ link, settings, port, onAddress, signal }: ServeOptions): Promise<void> {
  const { registryDir, host } = settings;
  const place = placeOf(registryDir);
  const page = pageOf(await readFile(join(dirname(programPath()), PAGE), 'utf8'));
  await link.request('hub_status', {});
  let seen = 0;
  const access = new Access();
  const streams = new Streams();
  const screens = new Screens(link, registryDir, streams);
  const announce = (): void => onAddress(`http://127.0.0.1:${actual}${access.newEntrance()}`, actual);
  const server = new WebServer({
    ...{ access, page, context: { link, settings }, seen: () => seen, entered: () => announce() },
    listen: (response) => {
      if (streams.isFull) response.writeHead(503).end();
      else streams.add(response, { place });
    },
    look: (stream, tab, jobId) => {
      streams.look(stream, tab, jobId);
      screens.show(jobId);
    },
  });
  const ends = [
    link.followAll(host, (message) => {
      streams.tell('heard', { seen: ++seen, ...heardOf(message, registryDir) });
      screens.changed(message.event.job_id);
    }),
    // What happened in between was missed.
    link.onConnect(() => streams.tell('hub', { here: true })),
    link.onLost(() => streams.tell('hub', { here: false })),
  ];
  const actual = await server.start(port);
  try {
    announce();
    await aborted(signal);
  } finally {
    for (const end of ends) end();
    screens.end();
    streams.end();
    await server.end();
  }
}

/** What a page needs of an event: the job's state after it, and a new job's row. */
function heardOf(message: LogMessage, registryDir: string): object {
  const { record: _, home: __, event, ...standing } = message;
  const { job_id, type, recorded_at } = event;
  const row = newRow(message, registryDir);
  return cleanAll({
    heard: { ...standing, place: placeFrom(message), event: { job_id, type, recorded_at } },
    ...(row !== undefined && { row: listRow(row) }),
  });
}

/** What a person calls a registry: its project, if it is where a project has it. */
function placeOf(registryDir: string): string {
  return clean(registryDir.replace(/\/\.mam\/jobs$/, ''));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
