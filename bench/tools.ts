// What the server costs a model before it has done anything: its list of tools, and its instructions.
import { main, type Row, single } from './support/bench.ts';
import { inLab, MAM } from './support/lab.ts';
import { asModelsGetThem, barely, type ListedTool, MOST_TOKENS, tokens } from './support/tokens.ts';

await main(() =>
  inLab(async (lab): Promise<Row[]> => {
    const rows: Row[] = [];
    for (const role of ['supervisor', 'peer']) {
      const server = lab.spawnServer({ MAM_ROLE: role }, { program: [MAM] });
      const { instructions } = (await server.initialize()).result;
      const { tools }: { tools: ListedTool[] } = (await server.request('tools/list')).result;
      await server.close();
      const text = asModelsGetThem(tools);
      const value = tokens(text);
      rows.push({
        what: `${tools.length} tools of a ${role}`,
        unit: 'tokens',
        value: single(value),
        floor: single(tokens(barely(tools))),
        note: `${text.length} characters`,
        ...(role === 'supervisor' && { goal: `≤ ${MOST_TOKENS} tokens`, reached: value <= MOST_TOKENS }),
      });
      rows.push({
        what: `instructions for a ${role}`,
        unit: 'tokens',
        value: single(tokens(instructions)),
        note: `${instructions.length} characters`,
      });
    }
    return rows;
  }),
);
