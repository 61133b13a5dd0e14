/** What node:https alone does with the same bytes: the yardstick of the measurements. A process of its own, told what to do over IPC. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

process.once('message', ({ key, cert, answer }: { key: string; cert: string; answer: string }) => {
  const bytes = Buffer.from(answer, 'latin1')
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    const reply = () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length })
      response.end(bytes)
    }
    if (request.method === 'GET') return reply()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString())
      reply()
    })
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send?.(typeof address === 'object' ? address?.port : undefined)
  })
})
