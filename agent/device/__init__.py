"""The reporter that runs on people's computers (`lamplighter device`): no asyncio, nothing but the standard library."""
