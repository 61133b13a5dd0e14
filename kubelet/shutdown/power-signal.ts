import type { ShutdownSource } from './shutdown-source.ts'

/**
 * SIGPWR: whoever stops a machine without logind (a container that is a node, a script of the owner's) sends it, and waits for the kubelet to
 * answer by ending. SIGTERM cannot mean this: it is also sent to a kubelet that is only restarted, whose pods run on.
 * @param done called when the pods have ended
 */
export function powerSignal(done: () => void): ShutdownSource {
  return {
    follow: (onShutdown, _onCancel, signal) =>
      new Promise((resolve, reject) => {
        const onPower = () => void onShutdown().then(done, reject)
        process.on('SIGPWR', onPower)
        signal.addEventListener(
          'abort',
          () => {
            process.off('SIGPWR', onPower)
            resolve()
          },
          { once: true },
        )
      }),
  }
}
