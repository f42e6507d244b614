import { deliver } from '../../src/tmux/deliver.ts';
import { Lab } from './lab.ts';

const lab = new Lab();
try {
  const mode = process.argv[2] ?? 'echo';
  const N = Number(process.argv[3] ?? 300);
  const peer = await lab.peer(mode);
  const enter: number[] = [],
    whole: number[] = [],
    paste: number[] = [];
  const kinds = new Map<string, number>();
  let evidence = '';
  for (let i = 0; i < N; i++) {
    const id = `fix-the-tests-${String(i).padStart(8, 'x')}`;
    const text = `Job ${id} was delegated to you by another agent: call the MCP tool publish_event (server mam) with job_id "${id}" and event "started".\nWithout that tool run: mam publish --job ${id} --event started and read FILE.\nUse only this id, none of an earlier run: ${id}`;
    const n = peer.notes().length;
    const t0 = process.hrtime.bigint();
    const end = await deliver(
      lab.server,
      peer.target,
      text,
      { patterns: {}, settleMs: 0, needle: id, submitKey: 'Enter' },
      {
        pasting: async () => {},
        visible: (e) => {
          evidence = e;
        },
        submitted: () => {},
        stop: new AbortController().signal,
      },
    );
    const t1 = process.hrtime.bigint();
    kinds.set(end.kind, (kinds.get(end.kind) ?? 0) + 1);
    whole.push(Number(t1 - t0) / 1e6);
    const notes = peer.notes().slice(n);
    const cr = notes.filter((x) => x.enter);
    const p = notes.filter((x) => x.paste);
    if (cr.length !== 1 || p.length !== 1 || p[0]!.paste !== text)
      console.log('ODD', i, end, cr.length, p.length);
    if (cr[0]) enter.push(Number(BigInt(cr[0].at) - t0) / 1e6);
    if (p[0]) paste.push(Number(BigInt(p[0].at) - t0) / 1e6);
  }
  const q = (a: number[], p: number) =>
    a.sort((x, y) => x - y)[Math.min(a.length - 1, Math.floor(a.length * p))]?.toFixed(2);
  console.log(mode, Object.fromEntries(kinds), evidence);
  for (const [n, a] of Object.entries({ paste, enter, whole }))
    console.log(n, 'p50', q(a, 0.5), 'p90', q(a, 0.9), 'p99', q(a, 0.99), 'max', q(a, 1));
} finally {
  await lab.end();
}
