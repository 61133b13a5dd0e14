import { type } from './codes.ts'

/** An OPT record without options. */
export const OPT_BYTES = 11
/** The most we send in one datagram, whatever the client says: larger ones get lost (DNS flag day 2020). Also what we say of ourselves. */
export const LARGEST_UDP_BYTES = 1_232
export const CHECKING_DISABLED = 0x0010

/** The message and an OPT record at its end (RFC 6891); the upper bits of a code stand there. */
export function withOpt(message: Buffer, rcode: number, dnssecOk: boolean): Buffer {
  const whole = Buffer.alloc(message.length + OPT_BYTES)
  message.copy(whole)
  whole.writeUInt16BE(type.OPT, message.length + 1)
  whole.writeUInt16BE(LARGEST_UDP_BYTES, message.length + 3)
  whole[message.length + 5] = rcode >> 4
  if (dnssecOk) whole[message.length + 7] = 0x80
  whole.writeUInt16BE(whole.readUInt16BE(10) + 1, 10)
  return whole
}
