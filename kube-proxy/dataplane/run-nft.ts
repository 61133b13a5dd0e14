/** Runs nft with these arguments and this input, and answers what it printed. @throws CommandError with nft's own words */
export type RunNft = (args: readonly string[], input?: string) => Promise<string>
