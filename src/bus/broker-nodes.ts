import { MamError } from '../base/errors.ts';
import { type UrlAddress, unreachable } from './address.ts';

/** The nodes of an external broker, tried in turn. A single broker is one node. */
export class BrokerNodes {
  readonly #addresses: readonly UrlAddress[];
  #at = 0;

  /** @param addresses at least one */
  constructor(addresses: readonly UrlAddress[]) {
    this.#addresses = addresses;
  }

  /** The node that was tried last, which is the one that is in use. */
  get current(): UrlAddress {
    return this.#addresses[this.#at % this.#addresses.length] as UrlAddress;
  }

  /** The connection to the current node was lost: the next attempt begins with another one. */
  goOn(): void {
    this.#at += 1;
  }

  /**
   * Does `work` with one node, the current one first, and goes on to the next until it succeeds.
   * @throws MamError of the only node, or one that names what is wrong with each; it contains no secret
   */
  async attempt<T>(work: (address: UrlAddress) => Promise<T>): Promise<T> {
    const errors: MamError[] = [];
    for (const _ of this.#addresses) {
      const address = this.current;
      try {
        return await work(address);
      } catch (error) {
        errors.push(error instanceof MamError ? error : unreachable(address, error));
        this.goOn();
      }
    }
    throw allOf(errors);
  }
}

function allOf(errors: readonly MamError[]): MamError {
  const [first] = errors as [MamError];
  if (errors.length === 1) return first;
  const hints = [...new Set(errors.map(({ hint }) => hint))];
  return new MamError(first.code, errors.map(({ message }) => message).join(' '), hints.join(' '));
}
