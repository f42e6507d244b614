/** Words of 32 bits a slot: two of the hash, and the event's `seq`, which is 0 in an empty one. */
const WORDS = 3;
const FIRST_SLOTS = 8;
/** A table this full is made larger. */
const LOAD = 0.7;

/**
 * Which events a job's journal has, by a hash of their ids: about 24 bytes an event outside the heap, where the ids
 * themselves took 90 bytes on it. Two ids may have the same hash, so a match must be confirmed by comparing the ids.
 */
export class EventIds {
  #slots = new Uint32Array(WORDS * FIRST_SLOTS);
  #count = 0;

  /** The size of the table, in bytes. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  add(id: string, seq: number): void {
    if (this.#count >= (this.#slots.length / WORDS) * LOAD) this.#grow();
    this.#put(...hash(id), seq);
    this.#count++;
  }

  clear(): void {
    this.#slots = new Uint32Array(WORDS * FIRST_SLOTS);
    this.#count = 0;
  }

  /** The numbers of the events that may have this id: at most one, unless hashes collide. */
  *withHashOf(id: string): Generator<number> {
    const [high, low] = hash(id);
    for (let at = this.#start(low); ; at = (at + WORDS) % this.#slots.length) {
      const seq = this.#slots[at + 2];
      if (seq === undefined || seq === 0) return;
      if (this.#slots[at] === high && this.#slots[at + 1] === low) yield seq;
    }
  }

  #put(high: number, low: number, seq: number): void {
    let at = this.#start(low);
    while (this.#slots[at + 2] !== 0) at = (at + WORDS) % this.#slots.length;
    this.#slots.set([high, low, seq], at);
  }

  #start(low: number): number {
    return WORDS * (low % (this.#slots.length / WORDS));
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += WORDS) {
      const [high = 0, low = 0, seq = 0] = old.subarray(at, at + WORDS);
      if (seq > 0) this.#put(high, low, seq);
    }
  }
}

/** A 64-bit hash of a text in two words: FNV-1a twice, with different primes. */
function hash(text: string): [number, number] {
  let high = 0x811c9dc5;
  let low = 0x9e3779b1;
  for (let n = 0; n < text.length; n++) {
    const unit = text.charCodeAt(n);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x85ebca6b);
    low ^= low >>> 13;
  }
  return [high >>> 0, (low ^ (high >>> 15)) >>> 0];
}
