"""GPSLogger on Android. See README.md."""
