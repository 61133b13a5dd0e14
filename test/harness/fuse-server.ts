import { readSync, writeSync } from 'node:fs'

/*
 * A process that serves an empty folder over the FUSE device that is its file 3, one request after another, until the folder is unmounted.
 * The layouts are those of the kernel's include/uapi/linux/fuse.h (7.31).
 */

const DEVICE = 3
const [ENOENT, ENOSYS] = [2, 38]
const FOLDER = 0o40755

/** Reply to each operation by its number; undefined: that one gets none. */
const replies = new Map<number, (() => Buffer) | undefined>([
  [2, undefined], // FORGET
  [36, undefined], // INTERRUPT
  [42, undefined], // BATCH_FORGET
  [3, attributes],
  [17, figures],
  [26, welcome],
  [27, () => Buffer.alloc(16)], // OPENDIR
  [28, () => Buffer.alloc(0)], // READDIR
  [29, () => Buffer.alloc(0)], // RELEASEDIR
  [38, () => Buffer.alloc(0)], // DESTROY
])

function welcome(): Buffer {
  const body = Buffer.alloc(64)
  body.writeUInt32LE(7, 0)
  body.writeUInt32LE(31, 4)
  body.writeUInt32LE(4096, 20)
  body.writeUInt32LE(1, 24)
  return body
}

/** Valid for no time: each look is asked here. */
function attributes(): Buffer {
  const body = Buffer.alloc(104)
  body.writeBigUInt64LE(1n, 16)
  body.writeUInt32LE(FOLDER, 76)
  body.writeUInt32LE(2, 80)
  return body
}

function figures(): Buffer {
  const body = Buffer.alloc(80)
  for (const at of [40, 48]) body.writeUInt32LE(4096, at)
  body.writeUInt32LE(255, 44)
  return body
}

function answer(unique: bigint, error: number, body: Buffer): void {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(16 + body.length, 0)
  head.writeInt32LE(-error, 4)
  head.writeBigUInt64LE(unique, 8)
  writeSync(DEVICE, Buffer.concat([head, body]))
}

const request = Buffer.alloc(1 << 20)
for (;;) {
  try {
    readSync(DEVICE, request)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENODEV') break // unmounted
    if (code === 'EINTR' || code === 'ENOENT' || code === 'EAGAIN') continue // the asker gave up
    throw error
  }
  const operation = request.readUInt32LE(4)
  const unique = request.readBigUInt64LE(8)
  const reply = replies.get(operation)
  if (reply) answer(unique, 0, reply())
  else if (!replies.has(operation)) answer(unique, operation === 1 ? ENOENT : ENOSYS, Buffer.alloc(0))
}
