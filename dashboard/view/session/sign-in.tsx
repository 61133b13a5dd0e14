import { useSignal } from '@preact/signals'
import { useCluster } from '../cluster/cluster.ts'

/** The way in: a token, for who has no link. */
export function SignIn() {
  const { session } = useCluster()
  const token = useSignal('')
  const submit = (event: Event) => {
    event.preventDefault()
    if (token.value.trim() !== '') session.signIn(token.value.trim())
  }
  return (
    <main class="sign-in">
      <h1>Coxswain</h1>
      {session.why.value !== '' && <p role="alert">{session.why.value}</p>}
      <form onSubmit={submit}>
        <label for="token">Token</label>
        <input
          {...{ id: 'token', type: 'password', autocomplete: 'off', spellcheck: false, required: true }}
          value={token}
          onInput={(event) => (token.value = event.currentTarget.value)}
        />
        <button type="submit">Sign in</button>
      </form>
      <p>
        You see and do what this token’s owner may, and nothing more. <code>kubectl create token NAME</code> makes one for a service
        account;
        <code>make dashboard</code> prints a link that needs none.
      </p>
    </main>
  )
}
