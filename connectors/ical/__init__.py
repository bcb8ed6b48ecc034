"""iCalendar (RFC 5545) as presence needs it. Pure; shared by every connector that meets iCalendar text.

lines (text → property lines) → record (lines → EventRecord) → expand (record → times in a window)
  → busy (record + person → what it shows) → read (all of it for one object)
"""
