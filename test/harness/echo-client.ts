// Asks addresses for who is there. Each line on stdin is one question, as JSON; each line on stdout the answers or error codes, as JSON.
// A question with `flow` sends its datagram from the port that the flow has had from its first question on.
import { createSocket, type Socket } from 'node:dgram'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

const PATIENCE_MILLISECONDS = 2_000

interface Question {
  protocol: 'tcp' | 'udp'
  address: string
  port: number
  count: number
  from?: string
  flow?: string
  /** TCP: this many connections are begun each second, whether or not those before have ended. */
  perSecond?: number
}

function overTcp({ address, port, from }: Question): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host: address, port, timeout: PATIENCE_MILLISECONDS, ...(from ? { localAddress: from } : {}) })
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('timeout', () => socket.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' })))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('end', () => resolve(text))
  })
}

function overUdp(socket: Socket, { address, port }: Question): Promise<string> {
  return new Promise((resolve) => {
    const end = (answer: string) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      resolve(answer)
    }
    const timer = setTimeout(() => end('TIMEOUT'), PATIENCE_MILLISECONDS)
    socket.once('message', (message) => end(message.toString()))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    socket.send('?', port, address)
  })
}

const flows = new Map<string, Socket>()

async function answerAtRate(question: Question, perSecond: number): Promise<string[]> {
  const answers: Promise<string>[] = []
  const began = performance.now()
  for (let asked = 0; asked < question.count; asked += 1) {
    const wait = began + (1_000 * asked) / perSecond - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    answers.push(overTcp(question))
  }
  return Promise.all(answers)
}

async function answer(question: Question): Promise<string[]> {
  if (question.perSecond) return answerAtRate(question, question.perSecond)
  const answers: string[] = []
  for (let asked = 0; asked < question.count; asked += 1) {
    if (question.protocol === 'tcp') answers.push(await overTcp(question))
    else {
      const socket = flows.get(question.flow ?? '') ?? createSocket(question.address.includes(':') ? 'udp6' : 'udp4')
      if (question.flow) flows.set(question.flow, socket)
      answers.push(await overUdp(socket, question))
      if (!question.flow) socket.close()
    }
  }
  return answers
}

let before: Promise<unknown> = Promise.resolve()
for await (const line of createInterface({ input: process.stdin })) {
  const question: Question & { id: number } = JSON.parse(line)
  const say = async () => console.log(JSON.stringify({ id: question.id, answers: await answer(question) }))
  // Questions of flows do not wait for each other; others are asked one after another, as they came.
  if (question.flow) void say()
  else before = before.then(say)
}
for (const socket of flows.values()) socket.close()
