import { writeToStream } from 'mqtt-packet';

// With its first packet, mqtt-packet would cache a buffer for each number up to 65,535: some ms of every start.
writeToStream.cacheNumbers = false;

export { writeToStream };
