"""OwnTracks on Android and iOS, over HTTP and MQTT. See README.md."""
