"""The one door for HTTP requests from outside: phones, PBXs, location apps, access points, anything with a webhook.

app → refusals by address and size → credentials → source's limits → body → turns → the source's `receive`
"""
