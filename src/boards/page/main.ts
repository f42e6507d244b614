import { Board } from './board.ts';
import type { JobList } from './jobs.ts';
import { McpHost } from './mcp-host.ts';
import { Pulse } from './pulse.ts';
import { dress, tellSize, watchSeen } from './surroundings.ts';

/** The package's version, inserted by the build. */
declare const MAM_VERSION: string;

/** How long to wait for the arguments of the call that opened the page, in ms. */
const INPUT_MS = 500;

const host = new McpHost({
  onContext(context) {
    dress(context);
    board.render();
  },
  onInput: (args) => board.openedWith(args),
  onResult: (answer) => board.showList(answer as unknown as JobList),
  onEnd: () => pulse.end(),
});
const board = new Board(host);
const pulse = new Pulse({
  work: () => board.refresh(),
  well: () => board.warn(''),
  failed(error, nextMs) {
    const why = error instanceof Error ? error.message : String(error);
    board.warn(
      `The server does not answer: ${why} This view may be outdated. Next try in ${nextMs / 1_000} s.`,
    );
  },
});

document.body.append(board.element);
tellSize(host, board.element);
host.connect(MAM_VERSION).then(
  () => {
    if (!host.calls)
      return board.warn('This client shows only a snapshot: it does not pass calls on to the server.');
    board.onStale = () => pulse.now();
    watchSeen(board.element, (seen) => pulse.see(seen));
    // Most clients first say which jobs were asked for.
    setTimeout(() => pulse.start(), INPUT_MS);
  },
  (error) => board.warn(`The client refused this page: ${String(error)}`),
);
