import { clean } from '../base/text.ts';
import type { VerifyResult } from '../operations/request.ts';

/** The verdict of a script that was run by hand, but for the next step. */
export function verifyView(
  result: Omit<VerifyResult, 'record'> & { record: { job_id: string; status: string } },
) {
  const { record, script, passed, exit_code, cut_off_after, output_tail, script_changed } = result;
  const verdict = passed
    ? 'passes'
    : cut_off_after === undefined
      ? `does not pass (exit ${exit_code})`
      : `was not judged: the script did not finish within ${cut_off_after} s`;
  const changed = script_changed === true ? ' The script was changed since the job was delegated.' : '';
  return {
    summary: `The work of job ${record.job_id} ${verdict}; the job is ${record.status}, as before.${changed}`,
    job_id: record.job_id,
    status: record.status,
    passed,
    exit_code,
    cut_off_after,
    output_tail,
    script: clean(script),
    script_changed,
  };
}
