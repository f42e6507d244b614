import { z } from 'zod';

/** A file that git does not have as it is on the disk. */
const dirtyFile = z.object({
  path: z.string().describe('from the top of the worktree'),
  state: z.string().describe('modified, added, deleted, conflict or untracked'),
  as_at_start: z.boolean().optional().describe('it was so at the start, and was not written since'),
});

/** What git said about a folder at one time. */
const lookSchema = z.object({
  at: z.string(),
  head: z.string().optional().describe('the commit; absent before the first one'),
  branch: z.string().optional().describe('absent if HEAD is detached'),
  dirty: z.array(dirtyFile).optional().describe('as many as fit'),
  dirty_count: z.number().int().optional().describe('absent if that is not known'),
  /** Where all dirty files are: their text's hash, in `texts/`. */
  names_sha256: z.string().optional(),
});
export type GitLook = z.infer<typeof lookSchema>;

const lines = { insertions: z.number().int(), deletions: z.number().int() };
const statSchema = z.object({ files: z.number().int(), ...lines });
export type Stat = z.infer<typeof statSchema>;

/** What git says about a job's folder between the job's start and its end. Who changed something, git can't know. */
export const changesSchema = z.object({
  top: z.string().describe('top of the worktree'),
  repository: z.string().optional().describe('the git folder that all its worktrees share'),
  start: lookSchema.optional(),
  end: lookSchema.optional(),
  commits: z
    .array(z.object({ id: z.string(), subject: z.string() }))
    .optional()
    .describe('that HEAD has at the end and did not have at the start, the newest first, as many as fit'),
  commit_count: z.number().int().optional(),
  left_behind: z
    .number()
    .int()
    .optional()
    .describe('commits that HEAD had at the start and has no more: another branch, or rewritten history'),
  files: z
    .array(
      z.object({
        path: z.string(),
        added: z.number().int().optional(),
        deleted: z.number().int().optional(),
      }),
    )
    .optional()
    .describe('that differ between the two commits, as many as fit'),
  stat: statSchema.optional().describe('between the two commits'),
  uncommitted: statSchema
    .optional()
    .describe('between HEAD and the disk at the end, of files that git follows'),
  /** Where the names of all changed files are, in the same way. */
  names_sha256: z.string().optional(),
  unknown: z.string().optional().describe('why something of this is not known'),
});
export type JobChanges = z.infer<typeof changesSchema>;

/** Another job that changed the same files. */
export const overlapSchema = z.object({
  job_id: z.string(),
  same_folder: z
    .boolean()
    .optional()
    .describe('both ran in one folder at the same time: git cannot tell whose changes are whose'),
  files: z.array(z.string()).describe('as many as fit'),
  count: z.number().int(),
});
export type Overlap = z.infer<typeof overlapSchema>;

/** True for a job whose folder is still to be looked at, because it has ended. @param settled nothing of it is being checked */
export function lacksEndLook(changes: JobChanges | undefined, settled: boolean): boolean {
  return (
    settled && changes?.start !== undefined && changes.end === undefined && changes.unknown === undefined
  );
}
