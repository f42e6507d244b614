import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { MamError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { programPath } from '../settings/program.ts';

/** How long one call may take, in ms: more than the longest wait that a server grants to an unknown client. */
const CALL_MS = 60_000;

/** An MCP client with its own `mam` server on stdio, like an agent. */
export class MamClient {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Starts a server and completes the handshake. @param name the client's own @param env the server's, whole */
  static async connect(name: string, env: Record<string, string>, cwd: string): Promise<MamClient> {
    const client = new Client(
      { name, version: VERSION },
      {
        // The SDK's own would need ajv; without a list of tools, it would check nothing.
        jsonSchemaValidator: {
          getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
        },
      },
    );
    const server = { command: process.execPath, args: [programPath()], env, cwd, stderr: 'ignore' as const };
    await client.connect(new StdioClientTransport(server));
    return new MamClient(client);
  }

  /** Calls a tool. @returns its structured answer @throws MamError `refused` with the tool's own text */
  async call<T>(name: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<T> {
    const answer = await this.#client.callTool({ name, arguments: args }, undefined, {
      timeout: CALL_MS,
      ...(signal !== undefined && { signal }),
    });
    if (answer.isError !== true) return answer.structuredContent as T;
    const [first] = answer.content as { text?: string }[];
    throw new MamError('refused', first?.text ?? `The tool ${name} failed.`);
  }

  /** Ends the server; resolves when it is gone. */
  async close(): Promise<void> {
    await this.#client.close();
  }
}

/** The answer of `delegate_job`, as far as the demo reads it. */
export interface Delegated extends Pick<JobStatus, 'status' | 'delivery'> {
  job_id: string;
  delivery_stage: string;
  peer_server?: string;
}

/** The answer of `wait_job`. */
export interface Waited {
  summary: string;
  outcome: 'final' | 'needs_attention' | 'still_running';
  cursor: string;
}

/** The answer of `job_status` with all events. */
export interface JobStatus {
  summary: string;
  status: string;
  reason?: string;
  detail?: string;
  validation?: { passed?: boolean; exit_code?: number; output_tail?: string };
  delivery: { stage: string; at: string; evidence?: string }[];
  events: { type: string; source: string; recorded_at: string; detail?: string }[];
}

/** The answer of `publish_event`. */
export interface Published {
  accepted: boolean;
  status?: string;
  task?: string;
  task_file?: string;
  workdir?: string;
  messages?: string[];
  next: string;
}
