import { writeToStream } from 'mqtt-packet';

// As it writes its first packet, mqtt-packet makes a buffer of each number up to 65,535, to have it at hand: some ms of
// every start, and buffers that every process keeps. One that is needed is made at once.
writeToStream.cacheNumbers = false;

export { writeToStream };
