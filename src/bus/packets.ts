import { writeToStream } from 'mqtt-packet';

// As it writes its first packet, mqtt-packet makes a buffer of each number up to 65,535, to have it at hand: 10 ms of
// every start and 6 MB that every process keeps. Making one when it is needed costs less than a microsecond.
writeToStream.cacheNumbers = false;

export { writeToStream };
