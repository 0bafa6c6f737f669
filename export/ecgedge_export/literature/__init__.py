"""Published ideas on a wearable's single lead: what each claims, how we tested it, what came out."""
