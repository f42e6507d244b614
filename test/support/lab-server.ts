import { McpClient } from './mcp-client.ts';
import type { Peer } from './peer.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export type Json = any;

/** One MCP server of the lab, over real stdio. */
export class LabServer extends McpClient {
  #waits = 0;

  /** Calls a tool and returns its structured answer. @throws if the tool answers with an error */
  async ask(tool: string, args: object = {}, meta?: Record<string, unknown>): Promise<Json> {
    const result = await this.call(tool, args, meta);
    if (result.isError === true) throw new Error(`${tool} refused: ${result.content[0].text}`);
    return result.structuredContent;
  }

  /** Calls a tool that must refuse, and returns its text. @throws if it does not refuse */
  async refusal(tool: string, args: object = {}): Promise<string> {
    const result = await this.call(tool, args);
    if (result.isError !== true) throw new Error(`${tool} did not refuse: ${result.content[0].text}`);
    return result.content[0].text;
  }

  /** Delegates a job to a peer of the lab. */
  delegate(peer: Peer, args: Record<string, unknown> = {}): Promise<Json> {
    const job = { prompt: 'Mend the roof', agent: 'command', agent_session: peer.address };
    return this.ask('delegate_job', { ...job, ...args });
  }

  /** Reports an event of a job. */
  report(jobId: string, event: string, more: Record<string, unknown> = {}): Promise<Json> {
    return this.ask('publish_event', { job_id: jobId, event, ...more });
  }

  /** Starts to wait; `at` is when the answer arrived, in ms since 1970. */
  wait(args: Record<string, unknown> = {}, meta?: Record<string, unknown>): Wait {
    const id = `wait-${++this.#waits}`;
    const params = { name: 'wait_job', arguments: args, ...(meta && { _meta: meta }) };
    this.send({ jsonrpc: '2.0', id, method: 'tools/call', params });
    const wait: Wait = {
      at: undefined,
      answer: this.answer(id).then(({ result }) => {
        wait.at = Date.now();
        if (result.isError === true) throw new Error(`wait_job refused: ${result.content[0].text}`);
        return result.structuredContent;
      }),
      cancel: () =>
        this.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }),
    };
    wait.answer.catch(() => {});
    return wait;
  }
}

/** A pending `wait_job`. */
export interface Wait {
  /** When its answer arrived; absent while it is pending. */
  at: number | undefined;
  answer: Promise<Json>;
  /** Cancels the call, as a client does. */
  cancel(): void;
}
