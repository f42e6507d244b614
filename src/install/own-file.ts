import type { ConfigFile } from './client.ts';

/** The text that was written. */
type Receipt = string;

/** A file that is all ours; one that is there already stays as it is. */
export function ownFile(path: string, wanted: string): ConfigFile {
  const kept = (why: string): string => `${path} ${why}: it is left as it is.`;
  return {
    path,
    install(text, receipt) {
      if (text === wanted) return { text, receipt, kept: [] };
      if (text === undefined || text === receipt)
        return { text: wanted, receipt: wanted satisfies Receipt, kept: [] };
      return { text, receipt, kept: [kept('is not what mam install writes')] };
    },
    uninstall(text, receipt) {
      if (text === undefined || text === receipt) return { text: undefined, receipt: undefined, kept: [] };
      const why =
        receipt === undefined ? 'was not written by mam install' : 'was changed since mam install wrote it';
      return { text, receipt, kept: [kept(why)] };
    },
  };
}
