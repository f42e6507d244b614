import type { Result } from '@modelcontextprotocol/sdk/types.js';
import { cleanAll } from '../../base/text.ts';
import type { ToolContext } from '../../tool/tool.ts';
import type { HubConnection } from '../session/engine.ts';
import { badParams } from '../wire/protocol-error.ts';
import { complete } from './completions.ts';
import { JOBS_RESOURCE, type Notify } from './offers.ts';
import { getPrompt } from './prompts.ts';
import { jobResources, readResource } from './resources.ts';
import { Subscriptions } from './subscriptions.ts';

interface Parts {
  engine: () => Promise<HubConnection>;
  /** The engine, if it is already in use. */
  made: () => HubConnection | undefined;
  notify: Notify;
  /** Notifies the client that its list of resources is out of date. */
  listChanged: () => void;
}

/** The caller of a request, and its cancellation. */
type Asked = Pick<ToolContext, 'caller' | 'signal'>;

/** Implements the server's resources, prompts and completions; loaded when first needed. */
export class Offers {
  readonly #with: Parts;
  #subscriptions: Subscriptions | undefined;

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /** Answers one request. @throws ProtocolError or MamError */
  async answer(method: string, params: Record<string, unknown>, asked: Asked): Promise<Result> {
    const { caller } = asked;
    const { engine, made } = this.#with;
    switch (method) {
      case 'resources/list':
        return cleanAll({ resources: [JOBS_RESOURCE, ...(await jobResources(made()))] });
      case 'resources/read':
        return cleanAll(await readResource(uriOf(params), await this.#aside(asked)));
      case 'resources/subscribe':
        await (await this.#subscribed()).subscribe(uriOf(params));
        return {};
      case 'resources/unsubscribe':
        this.#subscriptions?.unsubscribe(uriOf(params));
        return {};
      case 'prompts/get':
        return getPrompt(params, caller.role, await engine());
      default:
        return cleanAll(await complete(params, caller, await engine()));
    }
  }

  /** A client may read a resource for its model, in advance, or for a person: whether a model has seen it is unknown. */
  async #aside(asked: Asked): Promise<ToolContext> {
    const { aside } = await this.#with.engine();
    return { ...asked, engine: aside, progress: () => {} };
  }

  async #subscribed(): Promise<Subscriptions> {
    const hub = await this.#with.engine();
    const { notify, listChanged } = this.#with;
    this.#subscriptions ??= new Subscriptions(hub, notify, listChanged);
    return this.#subscriptions;
  }
}

function uriOf({ uri }: Record<string, unknown>): string {
  if (typeof uri === 'string') return uri;
  throw badParams('`uri` is missing: pass a string, such as mam://jobs.');
}
