"""The Vercel AI SDK's chat: its requests, its UI message stream, resume and stop."""
