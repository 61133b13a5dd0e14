import type { AuditOutput } from './audit-log.ts'

/** The process' standard output, which nothing else is written to. */
export function standardOutput(stream: Pick<NodeJS.WriteStream, 'write'> = process.stdout): AuditOutput {
  return {
    append: (bytes) => new Promise((resolve, reject) => stream.write(bytes, (error) => (error ? reject(error) : resolve()))),
    close: async () => {},
  }
}
