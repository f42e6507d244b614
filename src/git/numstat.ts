/** A file that differs between two states. */
export interface ChangedFile {
  path: string;
  /** Its earlier name, if it was renamed. */
  old_path?: string;
  /** Lines; absent if it is not a text. */
  added?: number;
  deleted?: number;
}

/** The files that `git diff --numstat -z` prints: of a renamed one, both names follow. */
export function numstatFiles(printed: string): ChangedFile[] {
  const words = printed.split('\0');
  const files: ChangedFile[] = [];
  for (let at = 0; at < words.length - 1; at++) {
    const [added, deleted, ...rest] = (words[at] ?? '').split('\t');
    const name = rest.join('\t');
    const names = name === '' ? { old_path: words[++at] ?? '', path: words[++at] ?? '' } : { path: name };
    files.push({
      ...names,
      ...(added !== '-' && { added: Number(added), deleted: Number(deleted) }),
    });
  }
  return files;
}
