"""What is done with the lock file beside installing it: licences, bill of materials, known vulnerabilities."""
