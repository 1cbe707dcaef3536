// A link that was just made. Its text is a secret: it lives in the view that shows it and nowhere else.
export interface Made { invite: string; url: string; expires: number; uses: number }
