/** What an agent's hook reports, in our terms. */
export interface HookReport {
  type:
    | 'session_started'
    /** A prompt was submitted. */
    | 'submitted'
    | 'permission_required'
    /**
     * A permission request was settled without us. Reported by the agent (`call_id`), or by our own hook, which was
     * waiting for a decision when the agent ended it: a person has denied, or the hook timed out.
     */
    | 'permission_settled'
    /** A tool has run: any permission requested for it is settled. */
    | 'tool_used'
    | 'turn_ended'
    /** A person has stopped the turn. */
    | 'interrupted'
    /** The model's service failed. */
    | 'api_error'
    | 'rate_limited'
    | 'session_ended';
  /** `submitted`: the prompt's text; `turn_ended`: the agent's last words; else the hook's own message. */
  text?: string | undefined;
  /** `permission_required`, `tool_used`: the tool's name and its input in one line. */
  tool?: string | undefined;
  input?: string | undefined;
  /** The agent's own id of the call that a permission is asked for. */
  call_id?: string | undefined;
  /** The agent's own id of the turn in question. */
  turn_id?: string | undefined;
  /** The agent's own id of the conversation, its transcript, and where else it says what was used. */
  session_id?: string | undefined;
  transcript?: string | undefined;
  ledger?: string | undefined;
  model?: string | undefined;
  /** `turn_ended`: something of the agent's is still running in the background, so it will go on by itself. */
  background?: boolean | undefined;
  /** `rate_limited`: ISO 8601, when the agent may go on. */
  resume_at?: string | undefined;
}
